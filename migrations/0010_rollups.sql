-- Counts of answers by local day, so that a score of years is read and not counted again.
--
-- Writers append to nps_deltas in the transaction that changes a response, readers add both in one snapshot,
-- and a worker folds the deltas into nps_daily: otherwise every batch of a workspace would queue for the row
-- of the same day. What is out of the aggregates is not in here.

-- Days are of a time zone, so another time zone is another generation of all counts, made beside the old
-- one. Until it is ready, and where there is no row at all, rows are counted.
create table nps_rollups (
  workspace_id uuid not null references workspaces,
  generation   integer not null,
  time_zone    text not null,
  is_ready     boolean not null,
  primary key (workspace_id)
);
alter table nps_rollups enable row level security;
alter table nps_rollups force row level security;
create policy own_workspace on nps_rollups
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on nps_rollups for select to afterscore_system using (true);
grant select, insert, update on nps_rollups to afterscore_app;
grant select on nps_rollups to afterscore_system;

-- One row for each survey and day, and of the dimensions CHANNEL, TOUCHPOINT, SEGMENT and LANGUAGE for each
-- value besides; without a dimension it is ''. s0 to s10 count the answers of each score.
create table nps_daily (
  workspace_id uuid not null,
  generation   integer not null,
  dimension    text not null,
  value        text not null,
  survey_key   text not null,
  day          date not null,
  s0 bigint not null, s1 bigint not null, s2 bigint not null, s3 bigint not null, s4 bigint not null,
  s5 bigint not null, s6 bigint not null, s7 bigint not null, s8 bigint not null, s9 bigint not null,
  s10 bigint not null,
  primary key (workspace_id, generation, dimension, value, survey_key, day)
);
alter table nps_daily enable row level security;
alter table nps_daily force row level security;
create policy own_workspace on nps_daily
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on nps_daily to afterscore_app;

-- What has changed since: so many answers more, or fewer.
create table nps_deltas (
  workspace_id uuid not null,
  id           uuid not null,
  generation   integer not null,
  dimension    text not null,
  value        text not null,
  survey_key   text not null,
  day          date not null,
  score        smallint not null,
  n            integer not null,
  primary key (workspace_id, id)
);
alter table nps_deltas enable row level security;
alter table nps_deltas force row level security;
create policy own_workspace on nps_deltas
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on nps_deltas for select to afterscore_system using (true);
-- Locking rows to fold them takes the right to update.
grant select, insert, update, delete on nps_deltas to afterscore_app;
grant select on nps_deltas to afterscore_system;

-- Dimensions with more values than are worth counting: rows answer for them.
create table nps_wide_dimensions (
  workspace_id uuid not null,
  dimension    text not null,
  primary key (workspace_id, dimension)
);
alter table nps_wide_dimensions enable row level security;
alter table nps_wide_dimensions force row level security;
create policy own_workspace on nps_wide_dimensions
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, delete on nps_wide_dimensions to afterscore_app;
