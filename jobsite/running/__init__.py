"""`make run`: the whole product on one machine.

    steps       what happens at the start, in order, and at the end
    programs    what runs under the supervisor
    supervisor  its configuration, and what it says about its programs
    tether      makes a program end with the supervisor
    table       what is printed at last

The embedded servers are children of this process, everything else of `supervisord`. Whatever is
killed, however, takes what hangs on it along: servers and programs end with their starter.
"""
