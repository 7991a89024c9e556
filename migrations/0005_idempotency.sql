-- The first answer to each Idempotency-Key, written in the transaction of its effect: either both are
-- there or neither. person_ids finds the answers that must go when a person is erased.
create table idempotency_keys (
  workspace_id uuid not null,
  route        text not null,
  key          text not null,
  body_sha256  bytea not null,
  status       integer not null,
  answer       text not null,
  person_ids   uuid[] not null,
  created_at   timestamptz not null,
  primary key (workspace_id, route, key)
);
create index idempotency_keys_by_age on idempotency_keys (workspace_id, created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own_workspace on idempotency_keys
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on idempotency_keys to afterscore_app;
