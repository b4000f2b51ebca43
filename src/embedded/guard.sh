# Runs one program for as long as somebody holds the other end of our standard input.
# Arguments: the log file, then the program and its arguments.
# When the holder lets go, by choice or because it was killed, the program is asked to
# end at once (SIGINT: a "fast shutdown" for Postgres) and made to when it does not.
trap '' HUP INT TERM
log=$1
shift
exec 3<&0 </dev/null >>"$log" 2>&1

"$@" 3<&- &
program=$!

{
    read -r _ <&3
    exec 3<&-
    kill -INT "$program"
    waited=0
    while [ "$waited" -lt 30 ] && kill -0 "$program"; do
        sleep 1
        waited=$((waited + 1))
    done
    kill -QUIT "$program"
} 2>/dev/null &
holder_watch=$!

exec 3<&-
wait "$program"
status=$?
kill -KILL "$holder_watch" 2>/dev/null
exit "$status"
