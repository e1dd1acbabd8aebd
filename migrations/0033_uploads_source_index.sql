-- Who uploaded a source: `where source = $1 and channel = $2 and state = 'stored'`.
create index upload_source on upload (source, channel) where state = 'stored';
