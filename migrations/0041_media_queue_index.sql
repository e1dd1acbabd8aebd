-- The next job for a worker: `where state = 'queued' order by created_ms`.
create index job_queued on job (created_ms, id) where state = 'queued';
