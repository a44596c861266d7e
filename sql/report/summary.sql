-- What the page opens with.
SELECT to_jsonb(part) FROM report_summary AS part
