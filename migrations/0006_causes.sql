-- Why customers were unhappy, and what is done about it.

-- A tree: a cause may be a kind of another. A cause is known by its key everywhere, and never deleted,
-- because cases name it.
create table root_causes (
  workspace_id uuid not null references workspaces,
  key          text not null,
  label        text not null,
  parent_key   text,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (workspace_id, key),
  foreign key (workspace_id, parent_key) references root_causes
);
create index root_causes_by_parent on root_causes (workspace_id, parent_key) where parent_key is not null;
alter table root_causes enable row level security;
alter table root_causes force row level security;
create policy own_workspace on root_causes
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on root_causes to afterscore_app;

create table improvements (
  workspace_id uuid not null references workspaces,
  id           uuid not null,
  title        text not null,
  status       text not null check (status in ('PROPOSED', 'PLANNED', 'IN_PROGRESS', 'SHIPPED', 'DROPPED')),
  -- Counts the changes, and numbers the events about this improvement.
  version      integer not null default 1,
  shipped_at   timestamptz,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (workspace_id, id)
);
create index improvements_by_creation on improvements (workspace_id, created_at, id);
alter table improvements enable row level security;
alter table improvements force row level security;
create policy own_workspace on improvements
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on improvements to afterscore_app;

create table improvement_causes (
  workspace_id   uuid not null,
  improvement_id uuid not null,
  root_cause_key text not null,
  primary key (workspace_id, improvement_id, root_cause_key),
  foreign key (workspace_id, improvement_id) references improvements,
  foreign key (workspace_id, root_cause_key) references root_causes
);
create index improvement_causes_by_cause on improvement_causes (workspace_id, root_cause_key);
alter table improvement_causes enable row level security;
alter table improvement_causes force row level security;
create policy own_workspace on improvement_causes
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on improvement_causes to afterscore_app;

-- Who was told that an improvement shipped. Somebody told twice was told the first time.
create table improvement_told (
  workspace_id   uuid not null,
  improvement_id uuid not null,
  person_id      uuid not null,
  told_at        timestamptz not null,
  told_by        text not null,
  primary key (workspace_id, improvement_id, person_id),
  foreign key (workspace_id, improvement_id) references improvements,
  foreign key (workspace_id, person_id) references people
);
create index improvement_told_by_person on improvement_told (workspace_id, person_id);
alter table improvement_told enable row level security;
alter table improvement_told force row level security;
create policy own_workspace on improvement_told
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, delete on improvement_told to afterscore_app;
