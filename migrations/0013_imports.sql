-- Files of answers: how each came in, what is still to be recorded of it, and what could not be.

create table imports (
  workspace_id  uuid not null references workspaces,
  id            uuid not null,
  status        text not null check (status in ('RECEIVING', 'QUEUED', 'RUNNING', 'DONE', 'FAILED')),
  format        text not null check (format in ('CSV', 'NDJSON')),
  -- Source, mapping, format of times and how the answers are to be recorded, as they were asked for.
  options       jsonb not null,
  -- Of a CSV file: the names of its columns, and what stands between them.
  columns       text[],
  delimiter     text,
  -- In whose name its answers are recorded.
  actor_kind    text not null check (actor_kind in ('key', 'user', 'job', 'source')),
  actor_id      text not null,
  -- Of the bytes, once all are here: rows without an id are known by it and their line.
  bytes_sha256  bytea,
  -- Of the bytes and the query: the same again is the same import. Null where it was asked for again, or failed.
  fingerprint   bytea,
  received      bigint not null default 0,
  created       bigint not null default 0,
  existing      bigint not null default 0,
  rejected      bigint not null default 0,
  -- Why it ended as FAILED.
  failure       text,
  -- Whether the chunks of a failed one are gone.
  is_emptied    boolean not null default false,
  created_at    timestamptz not null,
  started_at    timestamptz,
  finished_at   timestamptz,
  -- While it is received a heartbeat, while it runs its turn among the others.
  touched_at    timestamptz not null,
  primary key (workspace_id, id),
  constraint imports_fingerprint unique (workspace_id, fingerprint)
);
-- What there is to do, in all workspaces at once: whoever has waited longest comes first.
create index imports_due on imports (touched_at)
  where status in ('RECEIVING', 'QUEUED', 'RUNNING') or (status = 'FAILED' and not is_emptied);
alter table imports enable row level security;
alter table imports force row level security;
create policy own_workspace on imports
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on imports for select to afterscore_system using (true);
grant select, insert, update, delete on imports to afterscore_app;
grant select on imports to afterscore_system;

-- The bytes of a file, cut where a row ends. A chunk is deleted in the transaction that records its rows:
-- what is here is what is still to be done.
create table import_chunks (
  workspace_id uuid not null,
  import_id    uuid not null,
  n            integer not null,
  -- The line of the file that it begins with, from 1.
  first_line   bigint not null,
  body         bytea not null,
  primary key (workspace_id, import_id, n),
  foreign key (workspace_id, import_id) references imports
);
alter table import_chunks enable row level security;
alter table import_chunks force row level security;
create policy own_workspace on import_chunks
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, delete on import_chunks to afterscore_app;

-- Rows that could not be recorded, by their line in the file. A reason names fields, not what is in them.
create table import_rejections (
  workspace_id uuid not null,
  import_id    uuid not null,
  line         bigint not null,
  reason       text not null,
  primary key (workspace_id, import_id, line),
  foreign key (workspace_id, import_id) references imports
);
alter table import_rejections enable row level security;
alter table import_rejections force row level security;
create policy own_workspace on import_rejections
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, delete on import_rejections to afterscore_app;
