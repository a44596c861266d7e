-- What stands for the definition $1 of a view in the view's comment.
SELECT substr(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 1, 12)
