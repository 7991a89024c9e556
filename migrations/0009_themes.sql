-- What comments speak of, by the workspace's own words, and the search over them.

create table themes (
  workspace_id    uuid not null references workspaces,
  key             text not null,
  label           text not null,
  phrases         text[] not null,
  -- Counts the changes of the rule; applied_version is the one by which all comments were looked at.
  version         integer not null default 1,
  applied_version integer not null default 0,
  -- How far the looking is: up to this response. Null before the first.
  applied_to      uuid,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (workspace_id, key)
);
-- Themes that must be applied again, in all workspaces at once.
create index themes_to_apply on themes (updated_at) where applied_version < version;
alter table themes enable row level security;
alter table themes force row level security;
create policy own_workspace on themes
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
create policy every_workspace on themes for select to afterscore_system using (true);
grant select, insert, update on themes to afterscore_app;
grant select on themes to afterscore_system;

create table response_themes (
  workspace_id uuid not null,
  response_id  uuid not null,
  theme_key    text not null,
  primary key (workspace_id, response_id, theme_key),
  foreign key (workspace_id, response_id) references responses,
  foreign key (workspace_id, theme_key) references themes
);
create index response_themes_by_theme on response_themes (workspace_id, theme_key);
alter table response_themes enable row level security;
alter table response_themes force row level security;
create policy own_workspace on response_themes
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid);
grant select, insert, delete on response_themes to afterscore_app;

-- Search over comments. Under row-level security an index does not serve full text, whose operators are not
-- leakproof; so one function does it, as a role that sees the comments of every workspace, and itself looks
-- into the workspace of the transaction only. Nobody can become that role: it has this function and nothing
-- else. unaccent is not immutable because its dictionary could be replaced; ours is fixed by name.
create extension if not exists btree_gin;
create extension if not exists unaccent;

create function fold_text(text) returns text language sql immutable strict parallel safe
  set search_path = public, pg_catalog
  as $$ select lower(unaccent('unaccent'::regdictionary, $1)) $$;

create index responses_by_words on responses using gin (workspace_id, to_tsvector('simple', fold_text(comment)))
  where comment is not null;

create policy every_comment on responses for select to afterscore_search using (true);
grant select on responses to afterscore_search;

create function search_comments(query text) returns setof uuid language sql stable strict
  security definer set search_path = public, pg_catalog
  as $$
    select id from responses
    where workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid
      and comment is not null
      and to_tsvector('simple', fold_text(comment)) @@ websearch_to_tsquery('simple', fold_text(query))
  $$;
revoke all on function search_comments from public;
grant execute on function search_comments to afterscore_app;
-- To give it away one must be a member of the role for a moment, and the role be allowed to have it.
grant afterscore_search to current_user;
grant usage, create on schema public to afterscore_search;
alter function search_comments owner to afterscore_search;
revoke create on schema public from afterscore_search;
revoke afterscore_search from current_user;
