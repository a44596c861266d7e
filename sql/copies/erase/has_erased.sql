-- Whether anybody was ever erased.
SELECT EXISTS (SELECT FROM erased_people)
