-- Who is who: keys are replaced without a gap, and the audit log is read.

-- After a rotation the secret before is taken too, until then. last_used_at is to the minute.
alter table api_keys
  add column last_used_at           timestamptz,
  add column previous_secret_sha256 bytea,
  add column previous_secret_until  timestamptz,
  add constraint api_keys_previous_secret check ((previous_secret_sha256 is null) = (previous_secret_until is null));

-- Read newest first, of some time, and by what was changed.
create index audit_log_by_time on audit_log (workspace_id, occurred_at, id);
create index audit_log_by_subject on audit_log (workspace_id, subject_id, occurred_at);
