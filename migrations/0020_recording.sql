-- Less work for every answer that is recorded.

-- What changes the counts is one row for each answer, with all its dimensions, and no more one for each dimension:
-- it is written with every answer, and read only until it is folded. All counts are made anew, in the
-- background; meanwhile rows answer.
drop table nps_deltas;
create table nps_deltas (
  workspace_id uuid not null,
  id           uuid not null,
  generation   integer not null,
  survey_key   text not null,
  day          date not null,
  score        smallint not null,
  -- Without a value it is ''.
  channel      text not null,
  touchpoint   text not null,
  segment      text not null,
  language     text not null,
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

-- The owner sees no row while the policies bind him too.
alter table nps_rollups no force row level security;
update nps_rollups set is_ready = false;
alter table nps_rollups force row level security;

-- An answer without an id of its source has no row in the index that tells repetitions.
alter table responses drop constraint responses_external_id;
create unique index responses_external_id on responses (workspace_id, source, external_id) where external_id is not null;

-- Nobody may delete a survey, and each answer's survey is read or made in the transaction that records it. The check
-- locked the same few rows for every answer, in every transaction at once.
alter table responses drop constraint responses_workspace_id_survey_key_fkey;
