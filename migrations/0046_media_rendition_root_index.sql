-- The heights and rates of a root that a claim or a page names: `where root = $1 limit 1`.
create index rendition_root on rendition (root);
