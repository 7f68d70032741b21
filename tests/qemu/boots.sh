# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# QEMU boots Linux on Lodge, on its types of machines and with its kinds of
# interrupt controllers; inside an emulated host, where run.sh starts it. Prints
# KTAP.
#
#	boots.sh PREFIX DEVICE RELEASE VERSION LIST [TEST...]
#
# The guests' kernel and initramfs are in /guest, disks are /dev/vda (an ext4
# root file system) and /dev/vdb (zeroes), /dev/vdc has GRUB; in Bochs that is
# /dev/sda, and the only one. What is done by QEMU's monitor is in
# driven.sh. LIST says which of all that: quick, full or bochs. Read lib.sh next.

prefix=$1 device=$2 release=$3 version=$4 list=$5
shift 5
. /qemu/lib.sh
. /qemu/driven.sh
only=$*

# A kernel comes up with its CPUs, calculates on each, and powers off by ACPI.
test_hello()
{
	name="QEMU $version $1, $2 CPUs: boots, calculates, powers off"
	(qemu_linux "$1" hello "cpus=$2" -smp "$2" -no-reboot) \
		</dev/null >/tmp/log 2>&1
	report "$name" $? /tmp/log
}

# What a guest wrote to disks is there after it has reset its machine.
test_disk()
{
	name="QEMU $version $1: two disks keep what was written across a reset"
	dd if=/dev/zero of=/dev/vdb bs=1M 2>/dev/null
	(qemu_linux "$1" disk '' -smp 2 \
		-drive if=none,id=a,format=raw,file=/dev/vda \
		-drive if=none,id=b,format=raw,file=/dev/vdb \
		-device virtio-blk-pci,drive=a -device virtio-blk-pci,drive=b) \
		</dev/null >/tmp/log 2>&1
	report "$name" $? /tmp/log 'written, rebooting'
}

# Programs that have the screen and the real mode for themselves: SeaBIOS loads
# them in 16-bit code.
test_memtest()
{
	name="QEMU $version pc: memtest86+ from its real-mode entry to its screen"
	firmware_says "Memtest86+" pc -m 64M -vga std \
		-kernel /qemu/memtest.bin -append console=ttyS0
}

# A BIOS, GRUB off a disk's boot sector, its file system and menu, Linux.
test_grub()
{
	name="QEMU $version pc: GRUB off a disk boots Linux"
	grub_disk=/dev/vdc
	[ -e $grub_disk ] || grub_disk=/dev/sda
	(qemu pc -m 256M -serial stdio -no-reboot \
		-drive if=virtio,format=raw,file=$grub_disk) \
		</dev/null >/tmp/log 2>&1
	report "$name" $? /tmp/log
}

# UEFI firmware, whose flash is a slot of memory that can't be written.
test_ovmf()
{
	name="QEMU $version q35: OVMF to its shell"
	cp /qemu/OVMF_VARS_4M.fd /tmp/vars
	firmware_says "UEFI Interactive Shell" q35 -m 256M \
		-drive if=pflash,format=raw,readonly=on,file=/qemu/OVMF_CODE_4M.fd \
		-drive if=pflash,format=raw,file=/tmp/vars
}

# firmware_says WORDS MACHINE ARGUMENTS...: it runs until they come.
firmware_says()
{
	words=$1
	shift
	mkfifo /tmp/says
	(qemu "$@" -serial stdio) </dev/null >/tmp/says 2>&1 &
	{
		# They need not end their lines.
		tr '\033' '\n' | grep -a -m1 "$words" >/tmp/found
		kill $!
	} </tmp/says
	wait
	rm /tmp/says
	if [ -s /tmp/found ]; then
		ok "$name"
	else
		not_ok "$name" /tmp/found
	fi
}

echo "TAP version 13"
if [ "$list" = bochs ]; then
	each memtest
	each grub
	each hello pc 1
	each hello q35,kernel_irqchip=split 2
	each reset q35
	each save pc
	each move pc
	each balloon pc
	each debug pc
else
	each hello pc 1
	each hello q35 2
	each hello microvm,pcie=on 2
	each hello pc,kernel_irqchip=split 2
	each hello q35,kernel_irqchip=off 1
	each disk pc
	each memtest
	each grub
	each ovmf
	each reset q35
	each save pc
	each move pc
	each balloon pc
	each net user 1
	each net vhost 2
	each debug pc
fi
if [ "$list" = full ]; then
	each hello pc,kernel_irqchip=off 1
	each hello q35,kernel_irqchip=split 2
	each disk q35,kernel_irqchip=split
	each reset pc,kernel_irqchip=off
	each save q35,kernel_irqchip=split
	each save pc,kernel_irqchip=off
	each move q35,kernel_irqchip=split
	each move pc,kernel_irqchip=off
	each net user 2
	each net vhost 1
	each debug q35,kernel_irqchip=split
fi
test_quiet
echo "1..$number"
