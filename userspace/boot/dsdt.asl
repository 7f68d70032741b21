// SPDX-License-Identifier: GPL-2.0
//
// What ACPI's fixed tables cannot say: the PCI bus, the devices at fixed
// ports, and how to power off. iasl makes it into a header at build time;
// boot/acpi.c puts it into memory. The numbers are those of mem.h, dev/pci.h,
// dev/serial.h, dev/rtc.h and dev/acpi_pm.h; a unit test compares them.
//
DefinitionBlock ("dsdt.aml", "DSDT", 2, "LODGE", "LODGE", 1)
{
	Name (\_S5, Package () { 5, 5, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed,
					MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed,
					PosDecode, EntireRange,
					0, 0x0000, 0x0cf7, 0, 0x0cf8)
				WordIO (ResourceProducer, MinFixed, MaxFixed,
					PosDecode, EntireRange,
					0, 0x0d00, 0xffff, 0, 0xf300)
				DWordMemory (ResourceProducer, PosDecode,
					MinFixed, MaxFixed, NonCacheable,
					ReadWrite,
					0, 0xe0000000, 0xfebfffff, 0,
					0x1ec00000)
			})
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x03f8, 0x03f8, 1, 8)
				IRQNoFlags () { 4 }
			})
		}

		Device (RTC0)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0070, 0x0070, 1, 2)
				IRQNoFlags () { 8 }
			})
		}

		// The ports of the fixed hardware belong to no driver.
		Device (MISC)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0600, 0x0600, 1, 16)
			})
		}
	}
}
