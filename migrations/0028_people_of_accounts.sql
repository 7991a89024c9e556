-- no transaction
-- The newest people of an account are asked for, and an account may have very many. `people_by_account`, which has less, can go
-- with the release after this one.
create index concurrently if not exists people_by_account_newest on people (workspace_id, account_id, created_at desc, id desc)
  where account_id is not null;
