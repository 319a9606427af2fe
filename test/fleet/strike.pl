#!/usr/bin/perl
# Strikes a host at a moment of an operation, from outside, within a millisecond or so:
#   strike.pl ROOT AFTER PHASE SECONDS BLOW...
#   ROOT     the host's file system, as /proc/LEADER/root
#   AFTER    identity of the newest operation before; the one struck is newer
#   PHASE    when to strike
#   BLOW     unit:NAME kills all processes of a unit, pid:N a process, fill:FILE fills FILE's file system,
#            within:LEADER:TEXT those of another host whose command line has TEXT
# Prints "ID PHASE": the operation, and the phase it had directly after the blows. Exit code 1: the phase never came.
use strict;
use warnings;
use Time::HiRes qw(time sleep);

my ($root, $after, $phase, $seconds, @blows) = @ARGV;
my $operations = "$root/var/lib/belay/operations";
my $end = time + $seconds;

sub newest {
    opendir(my $dir, $operations) or return undef;
    my ($id) = sort { $b cmp $a } grep { /^\d{8}T\d{9}Z-[0-9a-f]{8}$/ && $_ gt $after } readdir $dir;
    return $id;
}

sub phase_of {
    my ($id) = @_;
    open(my $file, '<', "$operations/$id/journal.jsonl") or return '';
    local $/;
    my @moves = (<$file> // '') =~ /"type":"moved","to":"([a-z-]+)"/g;
    return @moves ? $moves[-1] : 'accepted';
}

sub pids_of {
    my ($unit) = @_;
    my @groups = glob("$root/sys/fs/cgroup/system.slice/$unit/cgroup.procs");
    my @pids;
    for my $group (@groups) {
        open(my $file, '<', $group) or next;
        chomp(my @lines = <$file>);
        push @pids, @lines;
    }
    return @pids;
}

# Processes of the host of which LEADER is the first, by the namespace they share.
sub pids_within {
    my ($leader, $text) = @_;
    my $host = readlink "/proc/$leader/ns/pid" or return ();
    my @pids;
    for my $process (glob '/proc/[0-9]*') {
        next if (readlink("$process/ns/pid") // '') ne $host;
        open(my $file, '<', "$process/cmdline") or next;
        local $/;
        (my $line = <$file> // '') =~ tr/\0/ /;
        push @pids, $process =~ /(\d+)$/ if index($line, $text) >= 0;
    }
    return @pids;
}

# A unit that is to be killed may not be up yet when the phase begins.
sub ready {
    for my $blow (@blows) {
        return 0 if $blow =~ /^unit:(.*)/ && !pids_of($1);
        return 0 if $blow =~ /^within:(\d+):(.*)/ && !pids_within($1, $2);
    }
    return 1;
}

sub strike {
    for my $blow (@blows) {
        kill('KILL', pids_of($1)) if $blow =~ /^unit:(.*)/;
        kill('KILL', $1) if $blow =~ /^pid:(\d+)/;
        kill('KILL', pids_within($1, $2)) if $blow =~ /^within:(\d+):(.*)/;
        if ($blow =~ /^fill:(.*)/) {
            open(my $file, '>>', "$root$1") or die "$1: $!";
            my $block = 'x' x 4096;
            1 while syswrite($file, $block);
        }
    }
}

while (time < $end) {
    my $id = newest();
    if (defined $id && phase_of($id) eq $phase && ready()) {
        strike();
        print "$id ", phase_of($id), "\n";
        exit 0;
    }
    sleep 0.0003;
}
exit 1;
