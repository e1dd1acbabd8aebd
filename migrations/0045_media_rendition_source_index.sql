-- A source's newest rendition: `where source = $1 order by created_ms desc limit 1`.
create index rendition_source on rendition (source, created_ms desc);
