package flights;

import io.bowstring.arrow.ArrowValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Tells in which file of shared memory, and where in it, this process sees the buffers of a table. */
public final class Pages {
    private Pages() {}

    /** A mapping of a file into this process. */
    private record Mapping(long start, long end, long offset, long inode) {}

    /**
     * The places of all buffers, column by column, in Arrow's order of buffers.
     *
     * @return for each buffer: inode of the file, offset in it, and length in bytes; inode 0: memory of this process
     */
    public static List<List<Long>> places(ArrowValue table) throws IOException {
        List<Mapping> mappings = mappings();
        List<List<Long>> places = new ArrayList<>();
        for (VectorSchemaRoot batch : table.batches()) {
            for (FieldVector column : batch.getFieldVectors()) {
                for (ArrowBuf buffer : column.getFieldBuffers()) {
                    places.add(place(buffer, mappings));
                }
            }
        }
        return places;
    }

    private static List<Long> place(ArrowBuf buffer, List<Mapping> mappings) {
        long address = buffer.memoryAddress();
        for (Mapping mapping : mappings) {
            if (address >= mapping.start && address < mapping.end) {
                return List.of(mapping.inode, mapping.offset + address - mapping.start, buffer.readableBytes());
            }
        }
        return List.of(0L, 0L, buffer.readableBytes());
    }

    private static List<Mapping> mappings() throws IOException {
        List<Mapping> mappings = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            String[] fields = line.trim().split("\\s+", 6);
            if (fields.length == 6 && fields[5].startsWith("/memfd:")) {
                String[] range = fields[0].split("-");
                mappings.add(new Mapping(
                        Long.parseUnsignedLong(range[0], 16),
                        Long.parseUnsignedLong(range[1], 16),
                        Long.parseUnsignedLong(fields[2], 16),
                        Long.parseLong(fields[4])));
            }
        }
        return mappings;
    }
}
