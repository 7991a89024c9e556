-- What is needed to erase people, and what stays of it.

-- When its person was erased: then it says no more than its score, where and when it was given, and nothing of it
-- is ever changed by whoever sends it again. external_id is then a keyed hash of what it was, by which the same
-- answer is known again.
alter table responses add column erased_at timestamptz;

-- The key of that hash, made when the workspace first erases somebody. Without a key, external ids that are e-mail
-- addresses or numbers could be found out by trying. It is kept here and not in the environment: were it lost or
-- changed, everybody who was erased would come back with the next import.
create table erasure_keys (
  workspace_id uuid not null references workspaces,
  key          bytea not null,
  primary key (workspace_id)
);
alter table erasure_keys enable row level security;
alter table erasure_keys force row level security;
create policy own_workspace on erasure_keys
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on erasure_keys to afterscore_app;

-- The receipt of an erasure. `target` says what copies are looked for by, and goes when they are gone.
create table erasures (
  workspace_id  uuid not null references workspaces,
  id            uuid not null,
  status        text not null check (status in ('RUNNING', 'DONE')),
  counts        jsonb not null,
  target        jsonb,
  -- The transaction that erased: copies that older ones write are there when those have ended.
  erased_by     xid8 not null,
  requested_at  timestamptz not null,
  finished_at   timestamptz,
  primary key (workspace_id, id),
  check ((status = 'DONE') = (finished_at is not null)),
  check ((status = 'DONE') = (target is null))
);
-- What there is to do, in all workspaces at once.
create index erasures_running on erasures (requested_at) where status = 'RUNNING';
alter table erasures enable row level security;
alter table erasures force row level security;
create policy own_workspace on erasures
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on erasures for select to afterscore_system using (true);
grant select, insert, update on erasures to afterscore_app;
grant select on erasures to afterscore_system;

-- A delivery whose event is about somebody who was erased keeps nothing more of what the receiver answers.
alter table webhook_deliveries add column is_erased boolean not null default false;
grant update (answer) on webhook_attempts to afterscore_app;

-- Of what is otherwise never changed, the words somebody wrote about a person go with the person.
grant update (text, details) on case_activities to afterscore_app;
grant update (note) on response_exclusions to afterscore_app;
grant delete on case_references to afterscore_app;
-- And rows of files that are still to be recorded.
grant update (body) on import_chunks to afterscore_app;

-- The audit log names no person: it says how many were told, and no more who.
alter table audit_log no force row level security;
update audit_log set after = jsonb_build_object('people', jsonb_array_length(after -> 'personIds'))
  where action = 'improvement.told' and after ? 'personIds';
alter table audit_log force row level security;
