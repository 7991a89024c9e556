-- One row per answer. The category is not stored: it is the score. Segment and account stay as they
-- were when it was answered, so that editing an account moves no history.
create table responses (
  workspace_id        uuid not null,
  id                  uuid not null,
  survey_key          text not null,
  person_id           uuid,
  account_id          uuid,
  segment             text,
  score               smallint not null check (score between 0 and 10),
  comment             text,
  follow_up_requested boolean not null,
  channel             text check (channel in ('EMAIL', 'IN_APP', 'WEB', 'SMS', 'CHAT', 'PHONE', 'IN_PERSON', 'OTHER')),
  touchpoint          text,
  language            text,
  incentivised        boolean not null,
  properties          jsonb not null,
  responded_at        timestamptz not null,
  received_at         timestamptz not null,
  updated_at          timestamptz not null,
  acknowledged_at     timestamptz,
  -- Whose answer it is, in the words of who sent it; the hash of the body tells a repetition from a contradiction.
  source              text not null,
  external_id         text,
  body_sha256         bytea,
  -- When it last changed there, as text with nine decimals in UTC, since vendors count finer than a
  -- timestamptz keeps: what is older than this comes too late to change anything.
  source_updated_at   text collate "C",
  -- NONE for history that opens no case, now or by a later change.
  follow_up           text not null check (follow_up in ('OPEN', 'NONE')),
  -- Counts the changes, and numbers the events about this response.
  version             integer not null default 1,
  -- Out of every aggregate: never deleted, and who did it is kept.
  exclusion_reason    text check (exclusion_reason in ('TEST', 'INTERNAL', 'DUPLICATE', 'INCENTIVISED', 'NOT_NPS', 'OTHER')),
  exclusion_note      text,
  excluded_at         timestamptz,
  excluded_by         text,
  primary key (workspace_id, id),
  constraint responses_external_id unique (workspace_id, source, external_id),
  check ((exclusion_reason is null) = (excluded_at is null)),
  foreign key (workspace_id, survey_key) references surveys,
  foreign key (workspace_id, person_id) references people,
  foreign key (workspace_id, account_id) references accounts
);
-- Lists, newest first, and every aggregate over a window.
create index responses_by_time on responses (workspace_id, responded_at, id);
create index responses_by_survey on responses (workspace_id, survey_key, responded_at);
-- A person's answers, and the one before this.
create index responses_by_person on responses (workspace_id, person_id, responded_at, id) where person_id is not null;
create index responses_by_account on responses (workspace_id, account_id, responded_at) where account_id is not null;
-- For those who keep a copy: what changed since they last looked.
create index responses_by_update on responses (workspace_id, updated_at, id);
alter table responses enable row level security;
alter table responses force row level security;
create policy own_workspace on responses
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update on responses to afterscore_app;
