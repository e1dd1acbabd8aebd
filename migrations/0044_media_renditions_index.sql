-- Renditions that wait for the log: `where state = 'due' order by created_ms`.
create index rendition_due on rendition (created_ms) where state = 'due';
