-- Counts the changes of an endpoint, and numbers the events about it.
alter table webhook_endpoints add column version integer not null default 1;

-- Filled and emptied all day: what was deleted is cleared away soon, so that looking for the next stays cheap.
alter table event_queue set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
