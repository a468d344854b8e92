-- by_index: the caller's transaction looks entries up by an index, whatever the statistics say.
-- parameters  none
-- result      none that matters
-- locks       none
-- cost        none
--
-- An import fills a table faster than statistics follow; what they call empty is read whole.
SELECT set_config('enable_seqscan', 'off', true)
