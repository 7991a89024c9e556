-- Whose data it is, who may reach it, what was done to it, and what others are told.
--
-- Every table of a workspace has forced row-level security: a query that forgot its `where` sees
-- nothing. The setting is '' and not null after a transaction has ended, hence nullif. Keys begin with
-- workspace_id, because unique and foreign keys are checked past row-level security.

grant usage on schema public to afterscore_app, afterscore_system;

create table workspaces (
  id         uuid primary key,
  name       text not null,
  time_zone  text not null,
  created_at timestamptz not null
);
alter table workspaces enable row level security;
alter table workspaces force row level security;
create policy own_workspace on workspaces
  using (id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on workspaces to afterscore_system using (true) with check (true);
grant select, update on workspaces to afterscore_app;
grant select, insert on workspaces to afterscore_system;

-- A key's id stands in the key itself, so that it is found by one look-up before its workspace is known.
create table api_keys (
  workspace_id  uuid not null references workspaces,
  id            uuid not null,
  name          text not null,
  secret_sha256 bytea not null,
  scopes        text[] not null,
  created_at    timestamptz not null,
  expires_at    timestamptz,
  revoked_at    timestamptz,
  primary key (workspace_id, id)
);
create index api_keys_by_id on api_keys (id);
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy own_workspace on api_keys
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on api_keys to afterscore_system using (true);
grant select, insert, update on api_keys to afterscore_app;
grant select on api_keys to afterscore_system;

-- Append-only for the application: it has no right to change or take back what it wrote.
create table audit_log (
  workspace_id uuid not null,
  id           uuid not null,
  occurred_at  timestamptz not null,
  actor_kind   text not null check (actor_kind in ('key', 'user', 'job', 'source')),
  actor_id     text not null,
  action       text not null,
  subject_type text not null,
  subject_id   text not null,
  before       jsonb,
  after        jsonb,
  request_id   text,
  primary key (workspace_id, id)
);
alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy own_workspace on audit_log
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on audit_log to afterscore_app;

-- What other systems are told, written in the transaction that makes it true. person_id finds the
-- bodies that must be scrubbed when a person is erased.
create table events (
  workspace_id uuid not null,
  id           uuid not null,
  type         text not null,
  occurred_at  timestamptz not null,
  data         jsonb not null,
  person_id    uuid,
  primary key (workspace_id, id)
);
create index events_by_person on events (workspace_id, person_id) where person_id is not null;
alter table events enable row level security;
alter table events force row level security;
create policy own_workspace on events
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on events to afterscore_app;
