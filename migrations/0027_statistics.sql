-- Answers wait while a growing table is analyzed, and most of that was spent on statistics that no plan goes by.

-- What is only ever read by its keys is analyzed when it has doubled, not when it has grown by a tenth.
alter table events set (autovacuum_analyze_scale_factor = 1);
alter table audit_log set (autovacuum_analyze_scale_factor = 1);
alter table case_activities set (autovacuum_analyze_scale_factor = 1);

-- What a comment says and what properties hold comes to a plan as a parameter, for which statistics tell nothing. Citus
-- takes this for no table that it has distributed, and plans for the values that it is given.
do $$
begin
  if not exists (select from pg_extension where extname = 'citus') then
    alter table responses alter column properties set statistics 0;
    alter index responses_by_words alter column 2 set statistics 0;
  end if;
end $$;
