-- Follow-up cases, the responses that belong to each, and the clocks of first contact.

create table cases (
  workspace_id     uuid not null,
  id               uuid not null,
  version          integer not null default 1,
  status           text not null check (status in ('OPEN', 'CONTACTED', 'PARKED', 'RESOLVED', 'CLOSED')),
  reasons          text[] not null,
  person_id        uuid,
  account_id       uuid,
  assignee         text,
  priority         text not null check (priority in ('URGENT', 'HIGH', 'NORMAL', 'LOW')),
  priority_terms   jsonb not null,
  -- The base points less what waiting costs since the clock started: waiting adds the same to every
  -- case per hour, so this order never changes by time alone and can be indexed.
  queue_rank       double precision not null,
  previous_case_id uuid,
  outcome          text check (outcome in ('RECOVERED', 'EDUCATED', 'ALREADY_SOLVED', 'FIXED', 'GOODWILL', 'UPSOLD',
                                           'IMPROVEMENT_PLANNED', 'NOT_ADDRESSABLE', 'UNREACHABLE', 'INVALID')),
  resolution       text,
  -- Of the latest clock, kept here so that the queue can be read in its order.
  first_contact_started_at timestamptz not null,
  first_contact_due_at timestamptz not null,
  first_contact_met_at timestamptz,
  opened_at        timestamptz not null,
  updated_at       timestamptz not null,
  primary key (workspace_id, id),
  foreign key (workspace_id, person_id) references people,
  foreign key (workspace_id, account_id) references accounts,
  foreign key (workspace_id, previous_case_id) references cases
);
-- At most one case of a person is being worked, whatever arrives at the same moment.
create unique index cases_live_of_person on cases (workspace_id, person_id)
  where person_id is not null and status in ('OPEN', 'CONTACTED', 'PARKED');
create index cases_by_rank on cases (workspace_id, queue_rank, id);
create index cases_by_due on cases (workspace_id, first_contact_due_at, id);
create index cases_by_opening on cases (workspace_id, opened_at, id);
create index cases_by_person on cases (workspace_id, person_id, opened_at) where person_id is not null;
alter table cases enable row level security;
alter table cases force row level security;
create policy own_workspace on cases
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on cases to afterscore_app;

create table case_responses (
  workspace_id uuid not null,
  response_id  uuid not null,
  case_id      uuid not null,
  joined_at    timestamptz not null,
  primary key (workspace_id, response_id),
  foreign key (workspace_id, response_id) references responses,
  foreign key (workspace_id, case_id) references cases
);
create index case_responses_by_case on case_responses (workspace_id, case_id);
alter table case_responses enable row level security;
alter table case_responses force row level security;
create policy own_workspace on case_responses
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
-- An answer that turns out to be another person's goes over to their case.
grant select, insert, update on case_responses to afterscore_app;

-- Every promise of a first contact that the case has had. A clock keeps the hours it was started under.
create table case_clocks (
  workspace_id  uuid not null,
  case_id       uuid not null,
  n             integer not null,
  cause         text not null check (cause in ('OPENED', 'NEW_RESPONSE', 'RESPONSE_CHANGED', 'REOPENED')),
  hours_allowed double precision not null,
  started_at    timestamptz not null,
  due_at        timestamptz not null,
  met_at        timestamptz,
  primary key (workspace_id, case_id, n),
  foreign key (workspace_id, case_id) references cases
);
create index case_clocks_running on case_clocks (workspace_id, due_at) where met_at is null;
alter table case_clocks enable row level security;
alter table case_clocks force row level security;
create policy own_workspace on case_clocks
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on case_clocks to afterscore_app;
