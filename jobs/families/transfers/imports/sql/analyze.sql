-- analyze: let the planner know how many entries there are by now.
-- parameters  none
-- result      none
-- locks       the table against other ANALYZEs, until the transaction ends; nobody who reads or writes
-- cost        a sample of 30,000 rows, however many there are
SELECT analyze_timeline()
