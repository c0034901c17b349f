/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Counter-based random numbers: published known answers, Random123 itself if it is installed, and statistics.
*/
#include <fentest.h>
#if defined(FEN_HAVE_RANDOM123)
  #include <Random123/philox.h>
#endif

/* known answers of the Random123 distribution for philox4x32, 10 rounds */
static void KnownAnswers(void **state)
{
  static const uint32_t kat[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
       0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
       0x24126ea1},
  };

  (void)state;
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];

    FenPhilox4x32(kat[i], kat[i] + 4, out);
    assert_memory_equal(out, kat[i] + 6, sizeof(out));
  }
}

#if defined(FEN_HAVE_RANDOM123)
static void AgreesWithRandom123(void **state)
{
  (void)state;
  for (uint32_t i = 0; i < 1000; i++) {
    const philox4x32_ctr_t c = {{i * 77777u, ~i, i << 20, i * i}};
    const philox4x32_key_t k = {{i ^ 12345u, i * 99991u}};
    const philox4x32_ctr_t r = philox4x32(c, k);
    uint32_t               out[4];

    FenPhilox4x32(c.v, k.v, out);
    assert_memory_equal(out, r.v, sizeof(out));
  }
}
#endif

static void UniformIsAFunctionOfItsArguments(void **state)
{
  const uint32_t counter[4] = {7, 5, 3, 0}, key[2] = {11, 9};
  const uint64_t seed = UINT64_C(9) << 32 | 11, index = UINT64_C(5) << 32 | 7;
  uint32_t       out[4];

  (void)state;
  FenPhilox4x32(counter, key, out);
  assert_true(FenRandomUniform(seed, index, 3) == ldexp((double)(((uint64_t)out[1] << 32 | out[0]) >> 11), -53));
  assert_true(FenRandomUniform(seed, index, 3) != FenRandomUniform(seed, index, 2));
  assert_true(FenRandomUniform(seed, index, 3) != FenRandomUniform(seed, 7, 3));
  assert_true(FenRandomUniform(seed, index, 3) != FenRandomUniform(11, index, 3));
}

/* mean, variance and a chi-square test of 100 classes; limits are five standard deviations */
static void UniformIsUniform(void **state)
{
  const int n = 200000;
  double    sum = 0, square = 0, chi = 0;
  int       count[100] = {0};

  (void)state;
  for (int i = 0; i < n; i++) {
    const double u = FenRandomUniform(1, (uint64_t)i, 0);

    assert_true(u > 0 && u < 1);
    sum += u;
    square += (u - 0.5) * (u - 0.5);
    count[(int)(100 * u)]++;
  }
  for (int i = 0; i < 100; i++)
    chi += (count[i] - n / 100.) * (count[i] - n / 100.) / (n / 100.);
  FEN_ASSERT_NEAR(sum / n, 0.5, 5 * sqrt(1. / 12 / n));
  FEN_ASSERT_NEAR(square / n, 1. / 12, 5 * sqrt(1. / 180 / n));
  FEN_ASSERT_NEAR(chi, 99, 5 * sqrt(2. * 99));
}

static void NormalIsNormal(void **state)
{
  const int n = 200000;
  double    m1 = 0, m2 = 0, m3 = 0, m4 = 0, next = 0;

  (void)state;
  for (int i = 0; i < n; i++) {
    const double x = FenRandomNormal(2, (uint64_t)i, 1);

    m1 += x / n;
    m2 += x * x / n;
    m3 += x * x * x / n;
    m4 += x * x * x * x / n;
    next += x * FenRandomNormal(2, (uint64_t)i + 1, 1) / n;
  }
  FEN_ASSERT_NEAR(m1, 0, 5 * sqrt(1. / n));
  FEN_ASSERT_NEAR(m2, 1, 5 * sqrt(2. / n));
  FEN_ASSERT_NEAR(m3, 0, 5 * sqrt(15. / n));
  FEN_ASSERT_NEAR(m4, 3, 5 * sqrt(96. / n));
  FEN_ASSERT_NEAR(next, 0, 5 * sqrt(1. / n));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(KnownAnswers),
#if defined(FEN_HAVE_RANDOM123)
    cmocka_unit_test(AgreesWithRandom123),
#endif
    cmocka_unit_test(UniformIsAFunctionOfItsArguments),
    cmocka_unit_test(UniformIsUniform),
    cmocka_unit_test(NormalIsNormal),
};
FEN_TEST_MAIN(tests)
