-- What stands for the definition $1 of a view in the view's comment: the major version of PostgreSQL that printed it, a hash
-- of it, and a hash of it without the names in front of points. PostgreSQL 16 and later leave out most of these where they are
-- not needed, and every other word of our views is printed alike by all versions.
SELECT concat_ws(
    ' ',
    current_setting('server_version_num')::integer / 10000,
    substr(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 1, 12),
    substr(encode(sha256(convert_to(
        regexp_replace($1, '("([^"]|"")*"|\m[[:alpha:]_][[:alnum:]_$]*)\.', '', 'g'), 'UTF8'
    )), 'hex'), 1, 12)
)
