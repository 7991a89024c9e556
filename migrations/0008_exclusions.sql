-- The ledger of what was taken out of the aggregates: out, with the reason, and back in, by whom and when.
-- Nothing in it is ever taken back. The row without included_at is the exclusion that holds, which the
-- response itself shows as well, so that aggregates need not look here.
create table response_exclusions (
  workspace_id uuid not null,
  response_id  uuid not null,
  id           uuid not null,
  reason       text not null check (reason in ('TEST', 'INTERNAL', 'DUPLICATE', 'INCENTIVISED', 'NOT_NPS', 'OTHER')),
  note         text,
  excluded_at  timestamptz not null,
  excluded_by  text not null,
  included_at  timestamptz,
  included_by  text,
  primary key (workspace_id, response_id, id),
  foreign key (workspace_id, response_id) references responses,
  check ((included_at is null) = (included_by is null))
);
create unique index response_exclusions_holding on response_exclusions (workspace_id, response_id) where included_at is null;
-- Forced row-level security hides every row from the owner as well, whom this is run by.
alter table responses no force row level security;
insert into response_exclusions (workspace_id, response_id, id, reason, note, excluded_at, excluded_by)
  select workspace_id, id, gen_random_uuid(), exclusion_reason, exclusion_note, excluded_at, excluded_by
  from responses where exclusion_reason is not null;
alter table responses force row level security;

alter table response_exclusions enable row level security;
alter table response_exclusions force row level security;
create policy own_workspace on response_exclusions
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert on response_exclusions to afterscore_app;
-- Of an exclusion only its end is written later.
grant update (included_at, included_by) on response_exclusions to afterscore_app;
