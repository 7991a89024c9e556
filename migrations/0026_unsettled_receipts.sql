-- no transaction
-- Receipts that a mended mapping can still make answers of are asked for by their outcome, to be replayed; they too are few.
create index concurrently if not exists source_receipts_unsettled on source_receipts (workspace_id, source_id, id)
  where outcome in ('IGNORED', 'FAILED');
