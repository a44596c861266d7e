SELECT to_jsonb(part) FROM report_summary AS part
