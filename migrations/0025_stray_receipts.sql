-- no transaction
-- What was received and led to no answer lies among much that did, and is looked through whole when a person is exported
-- or erased.
create index concurrently if not exists source_receipts_stray on source_receipts (workspace_id, source_id, id)
  where response_id is null;
