-- Events go out: each is queued with the transaction that makes it true, then gets its place in the feed and
-- its deliveries.

-- Its place in the feed of the workspace. Null until it is relayed: places are given under a lock on the workspace's
-- counter, so that whoever has read up to one has missed none that was committed late.
alter table events add column position bigint;
create unique index events_by_position on events (workspace_id, position) where position is not null;
-- Those that are too old to be kept, and those of a time that are sent once more.
create index events_by_time on events (workspace_id, occurred_at);
grant delete on events to afterscore_app;

-- Events that have no place yet. Small, and emptied as it is read: claimed with SKIP LOCKED, which no distributed
-- table can be.
create table event_queue (
  workspace_id uuid not null,
  event_id     uuid not null,
  primary key (workspace_id, event_id)
);
alter table event_queue enable row level security;
alter table event_queue force row level security;
create policy own_workspace on event_queue
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on event_queue for select to afterscore_system using (true);
-- A claim locks rows, which asks for the right to change them.
grant select, insert, update, delete on event_queue to afterscore_app;
grant select on event_queue to afterscore_system;
insert into event_queue select workspace_id, id from events;

-- The last place that was given.
create table event_positions (
  workspace_id  uuid not null references workspaces on delete cascade,
  last_position bigint not null,
  primary key (workspace_id)
);
alter table event_positions enable row level security;
alter table event_positions force row level security;
create policy own_workspace on event_positions
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on event_positions to afterscore_app;

create table webhook_endpoints (
  workspace_id          uuid not null references workspaces,
  id                    uuid not null,
  url                   text not null,
  description           text,
  event_types           text[] not null,
  -- All given terms must hold; empty takes every event of the types.
  filter                jsonb not null,
  status                text not null check (status in ('ACTIVE', 'PAUSED', 'DISABLED')),
  disabled_reason       text,
  -- Encrypted by SECRETS_KEY. Until its time the previous one signs beside it.
  secret                bytea not null,
  previous_secret       bytea,
  previous_secret_until timestamptz,
  -- The first failure after the last success; null while it works. Five days later it is disabled.
  failing_since         timestamptz,
  created_at            timestamptz not null,
  updated_at            timestamptz not null,
  primary key (workspace_id, id),
  check ((status = 'DISABLED') = (disabled_reason is not null)),
  check ((previous_secret is null) = (previous_secret_until is null))
);
alter table webhook_endpoints enable row level security;
alter table webhook_endpoints force row level security;
create policy own_workspace on webhook_endpoints
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on webhook_endpoints to afterscore_app;

-- An event for an endpoint, with what became of it.
create table webhook_deliveries (
  workspace_id uuid not null,
  id           uuid not null,
  endpoint_id  uuid not null,
  -- The `webhook-id`: the same for every attempt and replay. Its event, but of a test there is none.
  event_id     uuid not null,
  event_type   text not null,
  -- The `data` of a test; null where the event has it.
  test_data    jsonb,
  status       text not null check (status in ('PENDING', 'DELIVERED', 'FAILED')),
  attempts     integer not null,
  -- As of the last attempt.
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,
  created_at   timestamptz not null,
  finished_at  timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, endpoint_id) references webhook_endpoints on delete cascade,
  check ((status = 'PENDING') = (finished_at is null))
);
create index webhook_deliveries_by_endpoint on webhook_deliveries (workspace_id, endpoint_id, created_at, id);
-- Found when a person is erased, whose data a receiver's answer may repeat; and when an event is deleted.
create index webhook_deliveries_by_event on webhook_deliveries (workspace_id, event_id);
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
create policy own_workspace on webhook_deliveries
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on webhook_deliveries to afterscore_app;

create table webhook_attempts (
  workspace_id uuid not null,
  delivery_id  uuid not null,
  n            integer not null,
  attempted_at timestamptz not null,
  duration_ms  integer not null,
  -- Of the receiver's answer; null where none came, which the error explains.
  status       integer,
  error        text,
  -- Its first 4 kB.
  answer       bytea,
  primary key (workspace_id, delivery_id, n),
  foreign key (workspace_id, delivery_id) references webhook_deliveries on delete cascade
);
alter table webhook_attempts enable row level security;
alter table webhook_attempts force row level security;
create policy own_workspace on webhook_attempts
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, delete on webhook_attempts to afterscore_app;

-- What is to be sent: one row a delivery that is PENDING, claimed with SKIP LOCKED and leased while it is sent. A worker
-- that dies is found out when its lease ends.
create table delivery_queue (
  workspace_id uuid not null,
  delivery_id  uuid not null,
  endpoint_id  uuid not null,
  due_at       timestamptz not null,
  leased_until timestamptz,
  primary key (workspace_id, delivery_id)
);
create index delivery_queue_by_endpoint on delivery_queue (endpoint_id, due_at);
alter table delivery_queue enable row level security;
alter table delivery_queue force row level security;
create policy own_workspace on delivery_queue
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on delivery_queue to afterscore_system using (true);
grant select, insert, update, delete on delivery_queue to afterscore_app;
grant select, update on delivery_queue to afterscore_system;
