/** TensorRT engines and OpenVINO descriptions of our own making. */

/**
 * An engine whose payload has so many bytes; the length stands where that version of the format
 * puts it.
 */
export function tensorRtPlan(version: number, payload: number): Buffer {
  const plan = Buffer.alloc(24 + payload, 9);
  plan.write('ftrt', 0, 'latin1');
  plan.writeUInt32LE(version, 4);
  plan.fill(0, 8, 24);
  plan.writeBigUInt64LE(BigInt(payload), version <= 0x2b ? 16 : 12);
  return plan;
}

export function openVinoXml({ set = 'opset1', layers = 0 } = {}): string {
  const more = Array.from({ length: layers }, (_, index) => `<layer id="${index + 9}" name="relu ${index}" type="ReLU" version="opset1"/>`);
  return `<?xml version="1.0"?>
<net name="net > 1" version="11">
  <layers>
    <layer id="0" name="x" type="Parameter" version="opset1"><data shape="?,3,8,8" element_type="f32"/></layer>
    <!-- weights, <not a tag> -->
    <layer id="1" name="w" type="Const" version="${set}"><data element_type="f32" offset="0" shape="4, 8" size="128" /></layer>
    <layer id="2" name="axis" type='Const' version="opset1"><data element_type='i64' offset='128' shape='' size='8'/></layer>
    ${more.join('\n    ')}
    <layer id="3" name="y" type="Result" version="opset1"/>
  </layers>
  <edges/>
</net>
`;
}
