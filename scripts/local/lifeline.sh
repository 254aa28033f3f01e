#!/bin/sh
# Runs a command for as long as standard input stays open:   lifeline.sh COMMAND [ARGUMENT …]
#
# The kernel closes that pipe when the program at its other end goes away in any way, SIGKILL included; so nothing is
# left behind. Has to lead a process group of its own (Node: `detached`), for `kill 0` reaches all of the group: the
# command and everything it started. The command keeps no state: a second to say goodbye is a courtesy.
exec 3<&0 </dev/null

"$@" 3<&- &
command=$!

(
  cat <&3 >/dev/null
  kill -TERM "$command" 2>/dev/null
  sleep 1
  kill -KILL 0
) &

exec 3<&-
wait "$command"
kill -KILL 0
