#!/usr/bin/perl
# Kills a process of a unit of a host between two of its steps, exactly: kill-at-open.pl ROOT UNIT DIRECTORY FILE
#   ROOT       the host's file system, as /proc/LEADER/root
#   DIRECTORY  strikes when the unit opens this one ...
#   FILE       ... and this one is there
# The kernel holds whoever opens the directory until this program has answered; see fanotify(7). Prints "armed" when it
# does, on stderr, and "killed" with the number of "approved" in the newest journal of the host. It gives up after a minute.
use strict;
use warnings;

my ($root, $unit, $directory, $file) = @ARGV;
my ($init, $mark) = `uname -m` =~ /^aarch64/ ? (262, 263) : (300, 301);
my ($CLASS_CONTENT, $MARK_ADD, $OPEN_PERM, $ONDIR, $ALLOW) = (4, 1, 0x10000, 0x40000000, 1);
my $name = "$root$directory";

my $fd = syscall($init, $CLASS_CONTENT, 0);
die "fanotify_init: $!" if $fd < 0;
die "fanotify_mark: $!" if syscall($mark, $fd, $MARK_ADD, $OPEN_PERM | $ONDIR, -100, $name) < 0;
open(my $events, '+<&=', $fd) or die $!;
print STDERR "armed\n";
alarm 60;

sub is_of_unit {
    my ($pid) = @_;
    open(my $groups, '<', "/proc/$pid/cgroup") or return 0;
    return scalar grep { m{/\Q$unit\E$} } <$groups>;
}

while (sysread($events, my $read, 4096)) {
    while (length $read >= 24) {
        my ($length, $held, $pid) = unpack('L x12 l l', $read);
        $read = substr($read, $length);
        if (-e "$root$file" && is_of_unit($pid)) {
            kill('KILL', $pid);
            my ($journal) = sort { $b cmp $a } glob("$root/var/lib/belay/operations/*/journal.jsonl");
            open(my $text, '<', $journal) or die $!;
            my $count = () = join('', <$text>) =~ /"type":"approved"/g;
            print "killed, approved $count times\n";
            exit 0;
        }
        syswrite($events, pack('lL', $held, $ALLOW));
        syscall(3, $held) if $init == 300;
        syscall(57, $held) if $init == 262;
    }
}
exit 1;
