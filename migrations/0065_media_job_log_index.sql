-- A job's last lines: `where job = $1 order by id desc limit $2`.
create index job_log_job on job_log (job, id);
