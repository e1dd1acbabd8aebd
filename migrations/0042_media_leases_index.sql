-- Leases that ran out: `where state = 'leased' and lease_until_ms <= $1`, and the next one that will.
create index job_leased on job (lease_until_ms) where state = 'leased';
