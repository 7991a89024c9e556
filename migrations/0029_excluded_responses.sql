-- no transaction
-- Few answers are excluded, and each figure of cases leaves out those that have no other.
create index concurrently if not exists responses_excluded on responses (workspace_id, id) where exclusion_reason is not null;
