// Runs every form once a round, in turn, so that whatever else the machine does hits all of them alike.
export async function measureInterleaved(forms, rounds) {
  const times = forms.map(() => []);
  for (const { run } of forms) await run(); // warm up
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run }] of forms.entries()) {
      const start = performance.now();
      await run();
      times[i].push(performance.now() - start);
    }
  }
  return forms.map(({ form }, i) => {
    const sorted = times[i].toSorted((a, b) => a - b);
    return { form, ms: sorted[sorted.length >> 1], best_ms: sorted[0] };
  });
}
