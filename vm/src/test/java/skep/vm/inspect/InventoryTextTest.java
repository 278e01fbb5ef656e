package skep.vm.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import skep.btf.BtfBuilder;
import skep.btf.BtfType;
import skep.target.Inventory.EntryTypes;
import skep.target.LoadedMap;

/** Layouts that people know from bpftool 7. */
class InventoryTextTest {
    private static LoadedMap.Entry entry(byte[] key, byte... value) {
        return new LoadedMap.Entry(key, value);
    }

    @Test
    void smallEntriesStandOnOneLineAndValuesOfCpusOnTheirOwn() {
        byte[] key = {1, 0, 0, 0};
        assertEquals(
                List.of("key: 01 00 00 00  value: 02 00 00 00"),
                InventoryText.entry(entry(key, (byte) 2, (byte) 0, (byte) 0, (byte) 0), 4, false));
        assertEquals(
                List.of("key:", "01 00 00 00", "value (CPU 00): 07 00 00 00", "value (CPU 01): 08 00 00 00"),
                InventoryText.entry(entry(key, new byte[] {7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0}), 4, true));
    }

    @Test
    void entriesAreShownByTheirTypes() {
        var builder = new BtfBuilder();
        int number = builder.add(BtfType.Int.signed("int", 4));
        int letter = builder.add(new BtfType.Int("char", 1, 8, 0, BtfType.Int.Encoding.SIGNED));
        int name = builder.add(new BtfType.Array(letter, number, 4));
        int kind = builder.add(new BtfType.Enumeration(
                "kind",
                4,
                false,
                false,
                List.of(new BtfType.Enumerator("OPEN", 0), new BtfType.Enumerator("SHUT", 1))));
        int pair = builder.add(new BtfType.Struct(
                "pair",
                12,
                List.of(
                        BtfType.Member.at("count", number, 0),
                        BtfType.Member.at("name", name, 4),
                        BtfType.Member.at("kind", kind, 8))));
        var types = new EntryTypes(builder.build(), number, pair);
        var one = entry(new byte[] {-1, -1, -1, -1}, new byte[] {7, 0, 0, 0, 'c', 'a', 't', 0, 1, 0, 0, 0});
        assertEquals("""
                [{
                        "key": -1,
                        "value": {
                            "count": 7,
                            "name": "cat",
                            "kind": "SHUT"
                        }
                    }
                ]""", PrettyJson.of("[{" + TypedJson.entry(types, one, 12, false, true) + "}]"));
    }

    @Test
    void globalDataIsShownByItsVariables() {
        var builder = new BtfBuilder();
        int number = builder.add(BtfType.Int.unsigned("unsigned int", 4));
        int limit = builder.add(new BtfType.Variable("limit", number, BtfType.Linkage.GLOBAL));
        int data =
                builder.add(new BtfType.DataSection(".rodata", 4, List.of(new BtfType.DataSection.Slot(limit, 0, 4))));
        var types = new EntryTypes(builder.build(), 0, data);
        assertEquals(
                "\"value\":{\".rodata\":[{\"limit\":100}]}",
                TypedJson.entry(types, entry(new byte[4], new byte[] {100, 0, 0, 0}), 4, false, true));
    }

    @Test
    void bytesInJsonStayOnOneLine() {
        var one = entry(new byte[] {1, 2}, (byte) 3);
        assertEquals(
                "{\"key\":[\"0x01\",\"0x02\"],\"value\":[\"0x03\"]}",
                InventoryText.entryJson(one, 1, false, Optional.empty()));
        assertEquals("""
                {
                    "key": ["0x01","0x02"
                    ],
                    "value": ["0x03"
                    ]
                }""", PrettyJson.of(InventoryText.entryJson(one, 1, false, Optional.empty())));
    }
}
