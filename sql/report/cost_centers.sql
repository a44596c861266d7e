-- Cost centers, those first whose seats cost most.
SELECT
    *,
    row_number() OVER (ORDER BY cost DESC NULLS LAST, seats DESC, cost_center COLLATE "C", currency COLLATE "C") AS place
FROM report_cost_centers
