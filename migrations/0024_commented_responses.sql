-- The search over comments as a view: a function cannot be asked within a query that Citus sends to another server.

-- As search_comments, which the release before this one asks: it goes by the rights of a role that sees every comment,
-- because the operators of full text use no index under row-level security, and shows those of the transaction's
-- workspace only. Nobody can become that role; it has nothing else.
create view commented_responses as
  select workspace_id, id, comment from responses
  where workspace_id = nullif(current_setting('app.workspace_id', true), '')::uuid and comment is not null;
grant select on commented_responses to afterscore_app;
-- To give it away one must be a member of the role for a moment, and the role be allowed to have it.
grant afterscore_search to current_user;
grant usage, create on schema public to afterscore_search;
alter view commented_responses owner to afterscore_search;
revoke create on schema public from afterscore_search;
revoke afterscore_search from current_user;
