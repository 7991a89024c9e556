-- For how many days a workspace keeps what it holds about people; a key that is absent: for good, or for as long as
-- the installation does (`src/workspaces/model.ts` has the keys).
alter table workspaces add column retention jsonb not null default '{}';
