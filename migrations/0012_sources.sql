-- Inbound webhooks: who may send answers in, how they are found in what is sent, and everything that was sent.

create table sources (
  workspace_id          uuid not null references workspaces,
  id                    uuid not null,
  -- The `source` of the responses recorded by it: with the answer's id the key against duplicates.
  key                   text not null,
  name                  text not null,
  vendor                text not null check (vendor in
    ('STANDARD_WEBHOOKS', 'TYPEFORM', 'TALLY', 'FORMBRICKS', 'DELIGHTED', 'WOOTRIC', 'SURVICATE', 'JSON')),
  -- Encrypted by SECRETS_KEY. The previous one is taken too until its time, so that no delivery is lost while it changes.
  secret                bytea,
  previous_secret       bytea,
  previous_secret_until timestamptz,
  token_header          text,
  mapping               jsonb not null,
  defaults              jsonb not null,
  partial               text not null check (partial in ('IGNORE', 'RECORD')),
  created_at            timestamptz not null,
  updated_at            timestamptz not null,
  primary key (workspace_id, id),
  constraint sources_key unique (workspace_id, key),
  check ((previous_secret is null) = (previous_secret_until is null))
);
-- A delivery names its source and nothing else: the workspace is found by it.
create index sources_by_id on sources (id);
alter table sources enable row level security;
alter table sources force row level security;
create policy own_workspace on sources
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on sources for select to afterscore_system using (true);
grant select, insert, update, delete on sources to afterscore_app;
grant select on sources to afterscore_system;

create table source_receipts (
  workspace_id uuid not null,
  source_id    uuid not null,
  id           uuid not null,
  received_at  timestamptz not null,
  -- Those that say how to read the body and name the delivery; no signature, no token.
  headers      jsonb not null,
  body         bytea not null,
  -- FAILED: by a fault of ours; the sender was told to send it again.
  outcome      text not null check (outcome in ('RECORDED', 'UPDATED', 'DUPLICATE', 'IGNORED', 'FAILED')),
  reason       text,
  -- The vendor's id of the answer, as far as it was found.
  external_id  text,
  -- A part of an answer whose score has not come yet: taken up when it comes.
  is_waiting   boolean not null,
  response_id  uuid,
  processed_at timestamptz not null,
  primary key (workspace_id, source_id, id),
  foreign key (workspace_id, source_id) references sources,
  foreign key (workspace_id, response_id) references responses
);
-- The parts of an answer that wait for its score.
create index source_receipts_waiting on source_receipts (workspace_id, source_id, external_id) where is_waiting;
-- What was received about a response: found when it is erased.
create index source_receipts_by_response on source_receipts (workspace_id, response_id) where response_id is not null;
alter table source_receipts enable row level security;
alter table source_receipts force row level security;
create policy own_workspace on source_receipts
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, update, delete on source_receipts to afterscore_app;
