-- What was found by looking every day whether a score has shifted, so that it is told once.

-- The last local day that a workspace was looked at: whoever moves it forward does the looking.
create table nps_shift_looks (
  workspace_id uuid not null references workspaces,
  looked_on    date not null,
  primary key (workspace_id)
);
alter table nps_shift_looks enable row level security;
alter table nps_shift_looks force row level security;
create policy own_workspace on nps_shift_looks
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on nps_shift_looks for select to afterscore_system using (true);
grant select, insert, update on nps_shift_looks to afterscore_app;
grant select on nps_shift_looks to afterscore_system;

-- Each shift that was told, by the local day it was told on. The last one of a series says from when on its level
-- is the new one: what comes later is held against that.
create table nps_shifts (
  workspace_id uuid not null references workspaces,
  survey_key   text not null,
  -- Of the accounts when they answered; '' is the survey over all of them.
  segment      text not null,
  day          date not null,
  -- The first shift of the series is 1.
  sequence     integer not null,
  verdict      text not null check (verdict in ('UP', 'DOWN')),
  level_since  date not null,
  primary key (workspace_id, survey_key, segment, day)
);
alter table nps_shifts enable row level security;
alter table nps_shifts force row level security;
create policy own_workspace on nps_shifts
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
-- Only the level of the last one is corrected later.
grant select, insert on nps_shifts to afterscore_app;
grant update (level_since) on nps_shifts to afterscore_app;
