-- A source's newest rendition record: `where source = $1 order by index desc limit 1`.
create index rendition_record_of_source on rendition_record (source, index desc);
