-- Working a case: the promise it was opened under, what people did, what it taught, and what is swept.

-- Each saved policy stays: a case keeps the one it was opened under. Nothing here: the built-in one.
create table first_contact_policies (
  workspace_id uuid not null references workspaces,
  version      integer not null,
  policy       jsonb not null,
  saved_at     timestamptz not null,
  primary key (workspace_id, version)
);
alter table first_contact_policies enable row level security;
alter table first_contact_policies force row level security;
create policy own_workspace on first_contact_policies
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on first_contact_policies to afterscore_app;

-- The references from cases to tables made after it are deferrable, so that a workspace can be deleted
-- table by table, the newest first.
alter table cases
  add column policy_version integer,
  add column stated_cause   text,
  add column actual_cause   text,
  -- Where it is or was parked.
  add column improvement_id uuid,
  add column feasibility    smallint check (feasibility between 1 and 5),
  add column alignment      smallint check (alignment between 1 and 5),
  add column public_risk    boolean not null default false,
  add foreign key (workspace_id, policy_version) references first_contact_policies deferrable,
  add foreign key (workspace_id, stated_cause) references root_causes deferrable,
  add foreign key (workspace_id, actual_cause) references root_causes deferrable,
  add foreign key (workspace_id, improvement_id) references improvements deferrable;

-- The queue in each of its orders, status by status: a page is the best of each, merged, so that however
-- many cases are closed or parked, none of them is looked at to find the open ones.
drop index cases_by_rank;
drop index cases_by_due;
drop index cases_by_opening;
create index cases_by_rank on cases (workspace_id, status, queue_rank, id);
create index cases_by_due on cases (workspace_id, status, first_contact_due_at, id);
create index cases_by_opening on cases (workspace_id, status, opened_at, id);
create index cases_by_assignee on cases (workspace_id, assignee, status) where assignee is not null;
create index cases_by_account on cases (workspace_id, account_id, status) where account_id is not null;
create index cases_by_stated_cause on cases (workspace_id, stated_cause) where stated_cause is not null;
create index cases_by_actual_cause on cases (workspace_id, actual_cause) where actual_cause is not null;
create index cases_by_improvement on cases (workspace_id, improvement_id) where improvement_id is not null;

-- counted_from is where the hours are counted from: later than started_at when an answer that joined was
-- due earlier. next_step is the percentage of the time allowed that is announced next, null when nothing is.
alter table case_clocks
  add column counted_from timestamptz not null default now(),
  -- The answer reached us so late that a contact counted from when it was given would be overdue.
  add column arrived_late boolean not null default false,
  add column next_step    integer,
  add column next_step_at timestamptz,
  add check ((next_step is null) = (next_step_at is null));
-- Forced row-level security hides every row from the owner as well, whom this is run by.
alter table case_clocks no force row level security;
alter table cases no force row level security;
update case_clocks set counted_from = started_at;
update case_clocks set next_step = 75, next_step_at = started_at + make_interval(secs => hours_allowed * 3600 * 0.75)
  from cases where cases.workspace_id = case_clocks.workspace_id and cases.id = case_id
    and met_at is null and status in ('OPEN', 'CONTACTED', 'PARKED');
alter table case_clocks force row level security;
alter table cases force row level security;
drop index case_clocks_running;
-- What the sweep looks for, in all workspaces at once.
create index case_clocks_due on case_clocks (next_step_at) where next_step_at is not null;
create policy every_workspace on case_clocks for select to afterscore_system using (true);
grant select on case_clocks to afterscore_system;

-- The steps that were announced: whoever writes the row announces it, so each is announced once.
create table case_clock_steps (
  workspace_id uuid not null,
  case_id      uuid not null,
  n            integer not null,
  percent      integer not null,
  announced_at timestamptz not null,
  primary key (workspace_id, case_id, n, percent),
  foreign key (workspace_id, case_id, n) references case_clocks
);
alter table case_clock_steps enable row level security;
alter table case_clock_steps force row level security;
create policy own_workspace on case_clock_steps
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on case_clock_steps to afterscore_app;

-- What was done about a case, and when we learnt of it. Append-only for the application. In the order of
-- the case's versions, each of which some activity made: clocks of machines differ, and transactions wait.
create table case_activities (
  workspace_id uuid not null,
  case_id      uuid not null,
  version      integer not null,
  id           uuid not null,
  type         text not null,
  actor_kind   text not null check (actor_kind in ('key', 'user', 'job', 'source')),
  actor_id     text not null,
  occurred_at  timestamptz not null,
  recorded_at  timestamptz not null,
  -- What somebody wrote.
  text         text,
  -- What else there is to say, by type; no personal data.
  details      jsonb not null,
  primary key (workspace_id, case_id, version, id),
  foreign key (workspace_id, case_id) references cases
);
alter table case_activities enable row level security;
alter table case_activities force row level security;
create policy own_workspace on case_activities
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on case_activities to afterscore_app;

-- Promises to the customer. due_at is the beginning of the day, in the workspace's time zone.
create table case_commitments (
  workspace_id uuid not null,
  case_id      uuid not null,
  id           uuid not null,
  text         text not null,
  due_on       date not null,
  due_at       timestamptz not null,
  kept         boolean,
  announced_at timestamptz,
  primary key (workspace_id, case_id, id),
  foreign key (workspace_id, case_id) references cases
);
create index case_commitments_due on case_commitments (due_at) where kept is null and announced_at is null;
alter table case_commitments enable row level security;
alter table case_commitments force row level security;
create policy own_workspace on case_commitments
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on case_commitments for select to afterscore_system using (true);
grant select, insert, update on case_commitments to afterscore_app;
grant select on case_commitments to afterscore_system;

-- The same matter in other systems: one ticket of each.
create table case_references (
  workspace_id uuid not null,
  case_id      uuid not null,
  system       text not null,
  external_id  text not null,
  url          text,
  primary key (workspace_id, case_id, system),
  foreign key (workspace_id, case_id) references cases
);
create index case_references_by_ticket on case_references (workspace_id, system, external_id);
alter table case_references enable row level security;
alter table case_references force row level security;
create policy own_workspace on case_references
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on case_references to afterscore_app;

-- An answer that turns out to be another person's, and no reason to call them, belongs to no case.
grant delete on case_responses to afterscore_app;

-- When somebody first reached the customer after this answer: what nobody acknowledged or reached is the
-- black hole, and who was reached can be compared with who was not.
alter table responses add column reached_at timestamptz;
