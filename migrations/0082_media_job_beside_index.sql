-- A channel's wholes of a film: `where source = $1 and channel = $2 and purpose = 'whole'`.
create index job_whole on job (source, channel) where purpose = 'whole';
