-- Who answered, for which account, and what was asked.

-- annual_value is a double, like the JSON number it comes from: what was sent comes back the same.
create table accounts (
  workspace_id uuid not null,
  id           uuid not null,
  external_id  text not null,
  name         text,
  segment      text,
  annual_value double precision check (annual_value >= 0),
  currency     text,
  renews_on    date,
  owner        text,
  churned_on   date,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (workspace_id, id),
  constraint accounts_external_id unique (workspace_id, external_id)
);
alter table accounts enable row level security;
alter table accounts force row level security;
create policy own_workspace on accounts
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on accounts to afterscore_app;

-- The three unique keys are what makes two answers at the same moment one person: the second insert
-- waits for the first and then finds it. email is folded to lower case, phone stripped of separators.
create table people (
  workspace_id uuid not null,
  id           uuid not null,
  external_id  text,
  email        text,
  phone        text,
  name         text,
  properties   jsonb not null default '{}',
  account_id   uuid,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (workspace_id, id),
  constraint people_external_id unique (workspace_id, external_id),
  constraint people_email unique (workspace_id, email),
  constraint people_phone unique (workspace_id, phone),
  foreign key (workspace_id, account_id) references accounts
);
create index people_by_account on people (workspace_id, account_id) where account_id is not null;
alter table people enable row level security;
alter table people force row level security;
create policy own_workspace on people
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on people to afterscore_app;

-- A survey is known by its key everywhere, so a response needs no join to say which it belongs to.
create table surveys (
  workspace_id uuid not null references workspaces,
  key          text not null,
  kind         text not null check (kind in ('RELATIONSHIP', 'TRANSACTIONAL')),
  name         text,
  question     text,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (workspace_id, key)
);
alter table surveys enable row level security;
alter table surveys force row level security;
create policy own_workspace on surveys
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on surveys to afterscore_app;
